"""What an operator's monitoring reads: Prometheus' text, at `/metrics`."""
