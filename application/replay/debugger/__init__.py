"""The model of the interactive debugger: what it shows and where it stands, without a terminal."""
