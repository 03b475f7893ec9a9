"""The screens of `vigil status`: what the API says, drawn as lines of text; keys; changes."""
