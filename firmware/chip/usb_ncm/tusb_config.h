#include "usb_config.h"

#define CFG_TUD_NCM 1
