"""Commands that are a noun and a verb (`vigil plan start`), over the API of any deployment."""
