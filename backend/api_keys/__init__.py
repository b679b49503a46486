"""Keys with which programs call the API, each for one project and for what its scopes allow."""
