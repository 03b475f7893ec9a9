"""The OpenAPI 3.1 description of the API, made from the structures that the API itself uses."""
