#include "usb_config.h"

#define WIDTH 32
#define HEIGHT 24
#define RATE 10

#define CFG_TUD_VIDEO 1
#define CFG_TUD_VIDEO_STREAMING 1
#define CFG_TUD_VIDEO_STREAMING_EP_BUFSIZE 256
