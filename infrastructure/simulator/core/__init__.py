"""What every simulated service uses: state, time, faults, tokens, HTTP."""
