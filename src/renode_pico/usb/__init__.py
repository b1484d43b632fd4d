"""The USB host: wire, frames, transfers, requests, descriptors, classes. It knows nothing of any firmware."""
