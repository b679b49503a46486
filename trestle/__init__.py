"""The ground floor that backend, executor and web stand on."""
