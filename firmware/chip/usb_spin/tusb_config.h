#include "../usb_composite/tusb_config.h"
