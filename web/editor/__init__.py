"""The workflow editor: the graph and its forms live in the browser (`browser/`); here are the API calls behind them."""
