"""The data models of a cluster, and where its servers may be placed."""
