namespace ClipNotebooks.Workbook.Scenes;

/// <summary>
/// An endless, seeded world of drawn pictures with captions. Every scene is computed from its index alone; safe to call from several
/// threads.
/// </summary>
public static class SyntheticScenes
{
    private static readonly ISubject[] Subjects =
        [.. Animals.All, .. Landscapes.All, .. Vehicles.All, .. Food.All, .. Things.All, new ShapesSubject()];
    private static readonly Dictionary<string, ISubject> ByConcept = Subjects.ToDictionary(s => s.Concept);

    /// <summary>The zero-shot labels, such as "cat" or "sunset over the ocean".</summary>
    public static IReadOnlyList<string> Concepts { get; } = [.. Subjects.Select(s => s.Concept)];

    /// <summary>The scene at an index of a world; one in ten shows geometric shapes, the others any concept.</summary>
    /// <param name="world">Which compositions may appear.</param>
    /// <param name="index">Any number; equal arguments give equal scenes.</param>
    public static Scene Create(SceneWorld world, long index)
    {
        var dice = new Dice(Dice.Seed((ulong)world, (ulong)index));
        var subject = dice.Below(10) == 0 ? Subjects[^1] : dice.Of(Subjects);
        return subject.Create(world, dice.Bits());
    }

    /// <summary>The scene of one concept at an index of a world.</summary>
    /// <param name="world">Which compositions may appear.</param>
    /// <param name="concept">One of <see cref="Concepts"/>.</param>
    /// <param name="index">Any number; equal arguments give equal scenes.</param>
    /// <exception cref="ArgumentException">The concept is not drawn; the message lists those that are.</exception>
    public static Scene Create(SceneWorld world, string concept, long index)
    {
        if (!ByConcept.TryGetValue(concept, out var subject))
            throw new ArgumentException($"There is no concept '{concept}' to draw; there are: {string.Join(", ", Concepts)}.",
                nameof(concept));
        return subject.Create(world, Dice.Seed((ulong)world, (ulong)index, (ulong)Array.IndexOf(Subjects, subject) + 1));
    }
}
