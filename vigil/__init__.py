"""The public face of Vigil for authors of plug-ins: ``vigil.plugins`` and ``vigil.testing``.

Everything else in the distribution may change without notice. See docs/plugins.md.
"""
