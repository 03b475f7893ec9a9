"""The server processes: gunicorn, client timeouts, and counts over all workers."""
