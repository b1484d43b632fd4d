/* The instructions of ARMv6-M (ARM DDI 0419, A6.7), as the decoder names them, and what they cost on a Cortex-M0+.
 *
 * X(name, cycles): cycles of DDI 0484C, table 3.1, memory without wait states. What depends on more than the
 * instruction is in enum extra_cost.
 */
#ifndef RENODE_PICO_CPU_H
#define RENODE_PICO_CPU_H

#define INSTRUCTIONS(X)                                                                                              \
    X(UNKNOWN, 0)  /* not decoded yet */                                                                             \
    X(OUTSIDE, 0)  /* behind the last halfword of a memory: look where that is */                                    \
    X(UNDEFINED, 1)                                                                                                  \
    X(NOP, 1) X(LSL_I, 1) X(LSR_I, 1) X(ASR_I, 1) X(MOV_S, 1) X(ADD_R, 1) X(SUB_R, 1) X(ADD_I, 1) X(SUB_I, 1)        \
    X(MOV_I, 1) X(CMP_I, 1) X(ADD_I8, 1) X(SUB_I8, 1)                                                                \
    X(AND, 1) X(EOR, 1) X(LSL_R, 1) X(LSR_R, 1) X(ASR_R, 1) X(ADC, 1) X(SBC, 1) X(ROR, 1)                            \
    X(TST, 1) X(RSB, 1) X(CMP_R, 1) X(CMN, 1) X(ORR, 1) X(MUL, 1) X(BIC, 1) X(MVN, 1)                                \
    X(ADD_HI, 1) X(ADD_SP, 1) X(ADD_PC, 2) X(CMP_HI, 1) X(MOV_HI, 1) X(MOV_SP, 1) X(MOV_PC, 2) X(SET, 1)             \
    X(BX, 2) X(BLX, 2)                                                                                               \
    X(LDR_L, 2) X(STR_R, 2) X(STRH_R, 2) X(STRB_R, 2) X(LDRSB_R, 2) X(LDR_R, 2) X(LDRH_R, 2) X(LDRB_R, 2)            \
    X(LDRSH_R, 2) X(STR_I, 2) X(LDR_I, 2) X(STRB_I, 2) X(LDRB_I, 2) X(STRH_I, 2) X(LDRH_I, 2)                        \
    X(ADD_RD_SP, 1) X(ADD_SP_I, 1)                                                                                   \
    X(SXTH, 1) X(SXTB, 1) X(UXTH, 1) X(UXTB, 1) X(REV, 1) X(REV16, 1) X(REVSH, 1)                                    \
    X(PUSH, 1) X(POP, 1) X(POP_PC, 3) X(STM, 1) X(LDM, 1)                                                            \
    X(CPSIE, 1) X(CPSID, 1) X(BKPT, 1) X(SVC, 1) X(WFE, 2) X(WFI, 2) X(SEV, 1)                                       \
    X(BEQ, 1) X(BNE, 1) X(BCS, 1) X(BCC, 1) X(BMI, 1) X(BPL, 1) X(BVS, 1) X(BVC, 1)                                  \
    X(BHI, 1) X(BLS, 1) X(BGE, 1) X(BLT, 1) X(BGT, 1) X(BLE, 1) X(B, 2)                                              \
    X(BL, 3) X(BARRIER, 3) X(MRS, 3) X(MSR, 3)

#define NAME_OF(name, cycles) OP_##name,
enum op { INSTRUCTIONS(NAME_OF) OPS };
#undef NAME_OF

enum extra_cost {
    TAKEN = 1,          /* a conditional branch that is taken */
    EACH_REGISTER = 1,  /* of PUSH, POP, LDM and STM */
    SIO_SAVES = 1,      /* SIO is on the single-cycle IO port */
    APB_READ = 2, APB_WRITE = 3, /* the bridge's wait states (RP2040 datasheet, 2.1.3) */
    ENTRY = 15, RETURN = 13, TAIL_CHAIN = 6, /* an exception taken; left; left for the next one */
};

#endif
