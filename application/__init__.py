"""What to do about it: commands, the decision engine, the applier, projections, queries."""
