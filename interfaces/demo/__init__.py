"""`vigil demo`: Vigil on a simulated cloud, from an audit to its executed action plan."""
