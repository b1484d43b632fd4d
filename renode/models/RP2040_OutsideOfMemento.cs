using System;

namespace Antmicro.Renode.Peripherals.RP2040
{
    /// <summary>A field that belongs to something which a memento leaves as it is, such as the translator's code.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    public sealed class RP2040_OutsideOfMementoAttribute : Attribute
    {
    }
}
