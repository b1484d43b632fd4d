#include "usb_config.h"
