"""One file per resource: reads its requests, calls commands and queries, and answers."""
