using System.Buffers.Binary;
using System.Text;
using ClipNotebooks.Clip.Checkpoints;
using ClipNotebooks.Core.Hub;
using TorchSharp;
using static TorchSharp.torch;

namespace ClipNotebooks.Clip.Tests.Checkpoints;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetensors").FullName;

    private string FilePath => Path.Combine(_folder, "x.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_is_read_back_in_every_element_type()
    {
        using var scope = NewDisposeScope();
        var tensors = new[] { float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, ScalarType.Bool }
            .ToDictionary(type => $"t.{type}", type => arange(6).reshape(2, 3).to(type));
        tensors["scalar"] = tensor(1.5f);
        tensors["empty"] = zeros(0, 4);
        SafetensorsFile.Write(FilePath, tensors, new Dictionary<string, string> { ["note"] = "ünï" });

        using var file = SafetensorsFile.Open(FilePath);
        Assert.Equal("ünï", file.Metadata["note"]);
        Assert.Equal(tensors.OrderByDescending(t => t.Value.element_size()).ThenBy(t => t.Key, StringComparer.Ordinal).Select(t => t.Key),
            file.Names);
        Assert.All(file.Entries, entry => Assert.Equal(0, entry.Offset % tensors[entry.Name].element_size()));
        foreach (var (name, expected) in tensors)
        {
            var actual = file.Read(name);
            Assert.Equal((expected.dtype, expected.shape.Length), (actual.dtype, actual.shape.Length));
            Assert.True(expected.equal(actual).all().item<bool>(), name);
        }
    }

    [Fact]
    public void A_tensor_that_is_not_contiguous_is_written_in_its_own_order()
    {
        using var scope = NewDisposeScope();
        var transposed = arange(6, dtype: float32).reshape(2, 3).t();
        SafetensorsFile.Write(FilePath, [new("t", transposed)]);
        using var file = SafetensorsFile.Open(FilePath);
        Assert.Equal([0f, 3, 1, 4, 2, 5], file.Read("t").data<float>());
    }

    [Theory]
    [InlineData("", 0, "fewer than the 8")]
    [InlineData("[]", 0, "not a JSON object")]
    [InlineData("{\"a\":", 0, "cannot be read")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "cut short")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "its tensors end at")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "takes 12 bytes, its offsets give 8")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "a side of -2")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8, "larger than any file")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, "larger than any file")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "the offsets")]
    [InlineData("{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "the element type F4")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "lacks dtype, shape or data_offsets")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}," +
        "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "overlap or leave a gap")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}," +
        "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "stands there twice")]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":\"two\",\"data_offsets\":[0,8]}}", 8, "cannot be read")]
    public void A_damaged_file_is_refused_with_its_name_and_the_reason(string header, int dataBytes, string reason)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        var bytes = new byte[header.Length == 0 ? 3 : 8 + text.Length + dataBytes];
        if (header.Length > 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)text.Length);
            text.CopyTo(bytes, 8);
        }
        File.WriteAllBytes(FilePath, bytes);
        var error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(FilePath));
        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_is_read_into_one_that_exists_whatever_its_element_type()
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Write(FilePath, [new("t", arange(6, dtype: float16).reshape(2, 3))]);
        using var file = SafetensorsFile.Open(FilePath);
        Tensor same = zeros(2, 3, dtype: float16), wider = zeros(2, 3), strided = zeros(3, 2).t(), half = zeros(4, 3, dtype: float16);
        foreach (var destination in new[] { same, wider, strided, half.narrow(0, 2, 2) }) file.ReadInto("t", destination);
        foreach (var destination in new[] { same, wider, strided, half.narrow(0, 2, 2) }) Assert.Equal(
            [0f, 1, 2, 3, 4, 5], destination.to(float32).contiguous().data<float>());
        Assert.Equal(0, half.narrow(0, 0, 2).abs().max().ToDouble());
        Assert.Contains("the destination is (3, 2)", Assert.Throws<ArgumentException>(() => file.ReadInto("t", zeros(3, 2))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_that_claims_more_than_the_file_is_refused_before_anything_is_allocated()
    {
        var bytes = new byte[100];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, ulong.MaxValue);
        File.WriteAllBytes(FilePath, bytes);
        Assert.Contains("claims 18446744073709551615 bytes",
            Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(FilePath)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("t", "t", "two tensors are named \"t\"")]
    [InlineData("t", "__metadata__", "a tensor is named \"__metadata__\"")]
    public void Names_that_a_reader_refuses_are_not_written(string first, string second, string reason)
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Write(FilePath, [new("t", ones(2))]);
        byte[] before = File.ReadAllBytes(FilePath);
        var error = Assert.Throws<ArgumentException>(() => SafetensorsFile.Write(FilePath, [new(first, ones(1)), new(second, ones(3))]));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(FilePath));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_former_file_and_nothing_beside_it()
    {
        SafetensorsFile.Write(FilePath, [new("t", ones(2))]);
        byte[] before = File.ReadAllBytes(FilePath);
        using var complex = zeros(2, dtype: complex64);
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Write(FilePath, [new("c", complex)]));
        Assert.Equal(before, File.ReadAllBytes(FilePath));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void An_empty_tensor_may_be_listed_behind_the_one_at_whose_place_it_lies()
    {
        byte[] header = Encoding.UTF8.GetBytes("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}," +
            "\"b\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}");
        File.WriteAllBytes(FilePath, [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 0, 128, 63]);
        using var file = SafetensorsFile.Open(FilePath);
        Assert.Equal(["a", "b"], file.Names);
    }

    [Theory]
    [InlineData(64, 1L, null)]
    [InlineData(65, 1L, "more than 64 dimensions")]
    [InlineData(1, (long)int.MaxValue, null)]
    [InlineData(1, int.MaxValue + 1L, "up to 2147483647 are supported")]
    public void The_bounds_of_a_tensor_are_held(int rank, long bytes, string? reason)
    {
        string shape = string.Join(',', Enumerable.Repeat(1L, rank - 1).Append(bytes));
        byte[] header = Encoding.UTF8.GetBytes($"{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{shape}],\"data_offsets\":[0,{bytes}]}}}}");
        using (var stream = File.Create(FilePath)) // sparse
        {
            stream.Write(BitConverter.GetBytes((long)header.Length));
            stream.Write(header);
            stream.SetLength(8 + header.Length + bytes);
        }
        if (reason is null) SafetensorsFile.Open(FilePath).Dispose();
        else Assert.Contains(reason, Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(FilePath)).Message,
            StringComparison.Ordinal);
    }
}
