"""Firmware that others wrote, doing its job through the class drivers."""
