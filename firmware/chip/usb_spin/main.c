// The device of usb_composite, whose program never sleeps: it asks TinyUSB for work again and again, as many do.
#define NEVER_SLEEPS
#include "../usb_composite/main.c"
