"""The applier: claims a launched plan and executes its actions against the cloud."""
