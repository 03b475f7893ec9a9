"""Reads the rows of collected models from Nova, Placement, Cinder and Ironic."""
