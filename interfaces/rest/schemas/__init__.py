"""The documents of responses, and how they are derived from views."""
