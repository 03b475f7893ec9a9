"""Time travel: states at a past moment, timelines, differences, search."""
