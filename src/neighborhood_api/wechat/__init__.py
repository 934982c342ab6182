"""WeChat's servers: a client, and a local stand-in that behaves like them."""
