using System.Text.Json;
using System.Text.Json.Serialization;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Control;
using Obot.Shim.Contracts.Exchange;

namespace Obot.Shim.Contracts;

/// <summary>
/// Source-generated JSON of everything that crosses between guard, bridge and cluster. Members with a default are <c>set</c>, not
/// <c>init</c>: the generated code writes <c>default</c> into every absent <c>init</c> member, over its initializer.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GuardBoot))]
[JsonSerializable(typeof(BridgeBoot))]
[JsonSerializable(typeof(PoolBoot))]
[JsonSerializable(typeof(PoolOrder))]
[JsonSerializable(typeof(ShimEvent))]
[JsonSerializable(typeof(ControlMessage))]
[JsonSerializable(typeof(FilterAnswer))]
[JsonSerializable(typeof(FilterTrial))]
[JsonSerializable(typeof(FilterTrialResult))]
[JsonSerializable(typeof(ExchangeAnswer))]
[JsonSerializable(typeof(InjectedCredentials))]
public sealed partial class ShimJson : JsonSerializerContext;
