"""Goals, strategies and planners: pure functions from inputs to a plan."""
