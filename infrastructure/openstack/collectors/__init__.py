"""Reads the rows of collected models from Nova, Placement and Cinder."""
