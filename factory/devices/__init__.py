"""The machines that run networks: this host today, phones and boards behind the same interface."""
