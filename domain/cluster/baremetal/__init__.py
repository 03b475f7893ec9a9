"""The bare-metal model: the nodes that Ironic manages."""
