"""Models of a cloud: compute, storage and bare metal; placement rules, scopes and file formats."""
