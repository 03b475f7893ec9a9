"""What is true: aggregates and their events, cluster models, placement, strategies."""
