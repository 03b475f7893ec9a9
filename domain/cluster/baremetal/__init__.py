"""The bare-metal model: the nodes that Ironic or MAAS manages."""
