"""What `make bench` measures: the product whole, in real processes, with medians and the machine's load beside them."""
