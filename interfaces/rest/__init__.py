"""The REST API: routes, access control, microversions, bodies and errors."""
