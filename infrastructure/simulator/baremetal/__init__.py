"""The simulated bare metal, as Ironic and as MAAS show it."""
