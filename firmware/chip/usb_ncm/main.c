#include "usb_network.h"
