"""What firmware does to the USB controller that it must not: each check in words, each finding with its place."""
