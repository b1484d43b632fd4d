using System;
using System.Runtime.InteropServices;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>
    /// A function that calls another one if its third parameter is no multiple of four, and else does nothing: eighteen bytes for
    /// x86-64 and its calling convention on Linux.
    /// </summary>
    public class RP2040_MachineCode
    {
        public RP2040_MachineCode(IntPtr function)
        {
            var code = new byte[]
            {
                0xF6, 0xC2, 0x03, // test dl, 3
                0x75, 0x01, // jnz over the ret
                0xC3, // ret
                0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, // mov rax, function
                0xFF, 0xE0, // jmp rax
            };
            BitConverter.GetBytes(function.ToInt64()).CopyTo(code, 8);
            Address = mmap(IntPtr.Zero, PageSize, ReadWrite, PrivateAnonymous, -1, IntPtr.Zero);
            if(Address == Failed)
            {
                Address = function;
                return;
            }
            Marshal.Copy(code, 0, Address, code.Length);
            if(mprotect(Address, PageSize, ReadExecute) != 0)
            {
                Address = function;
            }
        }

        public static bool IsPossible
        {
            get
            {
                return RuntimeInformation.ProcessArchitecture == Architecture.X64 && RuntimeInformation.IsOSPlatform(OSPlatform.Linux);
            }
        }

        public IntPtr Address { get; private set; }

        [DllImport("libc", SetLastError = true)]
        private static extern IntPtr mmap(IntPtr address, UIntPtr length, int protection, int flags, int file, IntPtr offset);

        [DllImport("libc", SetLastError = true)]
        private static extern int mprotect(IntPtr address, UIntPtr length, int protection);

        private static readonly UIntPtr PageSize = (UIntPtr)4096;
        private static readonly IntPtr Failed = new IntPtr(-1);

        private const int ReadWrite = 3;
        private const int ReadExecute = 5;
        private const int PrivateAnonymous = 0x22;
    }
}
