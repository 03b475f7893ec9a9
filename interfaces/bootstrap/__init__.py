"""The composition root: the only package that knows every concrete class.

Import the module that you need: a role or a viewer loads only what it uses.
"""
