"""How people and programs come in: REST, command line, terminal, and the composition root."""
