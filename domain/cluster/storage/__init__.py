"""The storage model: backends, pools and volumes; their records and validation."""
