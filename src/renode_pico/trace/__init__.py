"""What passed over the bus, for people and for Wireshark."""
