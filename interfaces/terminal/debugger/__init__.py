"""The screens of `vigil replay open`. Only this package imports textual."""
