"""Ways to execute tasks elsewhere than in this process: a share of them, or on the workers of a cluster."""
