"""An independent check that a plan breaks no placement rule at any point of its execution."""
