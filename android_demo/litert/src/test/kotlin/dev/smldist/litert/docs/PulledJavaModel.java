package dev.smldist.litert.docs;

// Shown in docs/use-a-model.md; UseAModelTest holds the two equal and runs this.

import dev.smldist.litert.LiteRtClassifier;
import dev.smldist.sensing.BuildManifest;
import dev.smldist.sensing.ModelFile;
import dev.smldist.sensing.Quantity;
import dev.smldist.sensing.SensorContract;
import dev.smldist.sensing.SensorPipeline;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.function.Function;

/** The same in Java: the likeliest label of each window. */
public final class PulledJavaModel implements AutoCloseable {
    private final LiteRtClassifier classifier;
    private final SensorPipeline pipeline;

    public PulledJavaModel(Function<String, byte[]> open, Consumer<String> onLabel) {
        String json = new String(open.apply("manifest.json"), StandardCharsets.UTF_8);
        BuildManifest manifest = BuildManifest.Companion.parse(json);
        SensorContract contract = manifest.getContract();
        contract.requirePhone();
        ModelFile file = manifest.model("tflite", "int8_static");
        classifier = new LiteRtClassifier(file, contract, open.apply(file.getPath()));
        float[] logits = new float[contract.getLabels().size()];
        pipeline =
                new SensorPipeline(
                        contract,
                        window -> {
                            classifier.classify(window.getValues(), logits);
                            int best = 0;
                            for (int i = 1; i < logits.length; i++) {
                                if (logits[i] > logits[best]) best = i;
                            }
                            onLabel.accept(contract.getLabels().get(best));
                        });
    }

    public void onEvent(int type, long timestamp, float[] values) {
        Quantity quantity = Quantity.Companion.ofAndroidType(type);
        if (quantity != null) pipeline.add(quantity, timestamp, values);
    }

    @Override
    public void close() {
        classifier.close();
    }
}
