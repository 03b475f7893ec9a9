"""The simulated Nova: servers, hosts, migrations and what drives them."""
