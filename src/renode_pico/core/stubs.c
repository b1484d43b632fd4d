/* Until pio.c and pwm.c are there: whoever adds them removes this file. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "pico.h"
u32 pio_read(struct pico *p, u32 which, u32 offset){return 0;} void pio_write(struct pico *p, u32 which, u32 offset, u32 raw, enum alias alias){} void pio_reset(struct pico *p, u32 which){} void pio_advance(struct pico *p, u32 which){} void pio_due(struct pico *p, u32 which){} void pio_pins_changed(struct pico *p, u32 changed){}
u32 pwm_read(struct pico *p, u32 offset){return 0;} void pwm_write(struct pico *p, u32 offset, u32 raw, enum alias alias){} void pwm_reset(struct pico *p){} void pwm_advance(struct pico *p){} void pwm_due(struct pico *p){} void pwm_pins_changed(struct pico *p, u32 changed, u32 levels){}
