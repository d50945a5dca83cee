"""Text to synthesise: hand-written lines that cover English phonemes, and lines put together from word lists. Own writing."""

TRAIN = """
Good morning, everyone. Please take a seat by the window.
My mother made a huge pot of mushroom soup for Bob and Pam.
Pack the blue boxes before the bus leaves Berlin.
A pebble popped up and bumped the lamp.
Peter picked ripe plums, and Mabel mashed them.
The baby mumbled, babbled, and blew bubbles in the bath.
Papa bought a broom, a mop, and a bamboo ladder.
We may have bumped into him at the museum.
Maybe the problem is a broken pump beneath the ramp.
Bring me a map of the swamp, please.
Five very fat foxes fought over a leaf of clover.
Vivian found a velvet glove in the valley.
The fever lasted for five full weeks of February.
Half of the staff favoured a faster ferry.
Who moved the view finder of the film camera?
Father laughed as the calf carved past the car.
Arthur asked Martha to park the car in the dark yard.
Odd socks and hot coffee, that is what college was.
Mark sang a calm psalm at the palm garden.
All the tall walls fall in the autumn storms.
Paul thought the law was too long and too broad.
You two should choose new shoes and blue boots soon.
The moon ruled over the cool blue lagoon.
A rude goose flew through the school room.
Put the good book near the foot of the wooden hook.
Look, the cook took sugar from the bush.
We see three green trees near the deep sea.
She keeps these cheap sheets clean with cream.
Each evening, Steve reads a piece to the team.
Six big ships sit still in this misty inlet.
Bill lived in a little brick building in the city.
Ten men went west to sell ten red pens.
Every elephant went ahead, then rested.
The cat sat on a mat and had a snack.
Sam ran back and grabbed an apple from Ann.
The butcher cut up some onions for supper.
A young cousin of mine comes from a southern country.
Early birds learn first that words can hurt.
The nurse heard a purr, turned, and burst into mirth.
Day by day, the eighth train came late in the rain.
Take the cake from the table and wait by the gate.
I find that nine kind wives like wide white tiles.
High in the sky, five kites fly by my side.
How now, a loud crowd found the brown cow outside.
The mouse and the owl bowed down about the house.
Go slow on those old roads, Joe, or you will blow a tyre.
No one knows where the lonely boat floats.
The boy enjoyed his noisy toy, to the joy of Roy.
Avoid oil and moist soil near the coin.
Here is the deer that we feared we would not hear.
Where there is care, there are fair prices.
Sure, the tour was poor, yet the moor was pure.
Shall she wash the fish dish, or should she push the brush?
A vision of pleasure, measured in leisure and treasure.
Which church has the cheap watch for children?
George judged the giant orange jar of ginger jam.
Think of three thick thistles and thirty-three thorns.
This weather is smoother than the other, mother.
They breathe, bathe, and then they gather together.
The king is singing a long song in the spring.
Running and jumping are fun things for a young gang.
Let me tell you, Lily, the lilies look lovely at last.
Red rabbits run rings around rolling rocks.
Will we wait for Wendy while the water is warm?
One wonderful winter, we were away for a week.
Yes, you used your yellow yacht in Europe.
He hid his huge hat behind the high hedge.
The great grey goat got a good grip on the gate.
Kate and Kim kicked the cactus across the kitchen.
Tom told Tina to put two tins on the top table.
Did David add a dozen odd dates to the diary?
Nine new nails in no time, not now, never.
Zoe's zebras doze, and bees buzz as breezes rise.
Sister Susan sees six silver spoons.
Just a moment, please. I will be back in a minute.
Are you sure about that? I thought it was Tuesday.
Stop! Do not open that door before I say so.
Well, um, I am not really sure. Maybe tomorrow.
Oh no, what a mess! Who did this?
One, two, three, four, five, six, seven, eight, nine, ten.
Eleven, twelve, thirteen, fourteen, fifteen, sixteen.
Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday.
January, March, April, May, June, July, August, October.
Left, right, up, down, forward, back, and around again.
The temperature will fall to minus seven degrees by night.
Our flight to Amsterdam departs from gate forty-two.
Please hold the line, and somebody will help you shortly.
Welcome aboard. Fasten your belts, and mind your heads.
Follow me through the passage, and keep your voice down.
The enemy is behind the bridge. Move, move, move!
I have never trusted that man, and I never will.
You have my word. Bring the stone, and the map is yours.
We lost a lot of people on that mountain.
Thank you so much for your help, my dear friend.
What would you like to eat? We have soup, lamb, and beef.
Once upon a time, a poor farmer owned a clever mule.
The old bridge trembled each time a lorry passed.
A problem shared is often a problem halved.
She whispered something, smiled, and shut the window.
Perhaps the simplest plan is also the best.
Amber beads, purple beads, and a bump on the thumb.
Hip, hop, hop. Up, up, up. Map, map, map.
Mama, papa, baby, puppy, poppy, bobby, mommy.
Ah. Oh. Ooh. Eee. Ay. Eye. Ow. Oy.
Aha! Mhm. Hmm. Uh huh. Nope. Yep.
Wow, whoa, why, way, wee, woo.
Far, for, fur, fear, fair, four, fire, flower.
Bat, bet, bit, but, bought, boot, beat, bite, boat, bout.
Mat, met, mitt, mutt, moot, meet, might, moat, mouth.
Pot, pat, pet, pit, put, part, port, pert, pout, pint.
Shoe, show, shy, she, shore, share, shout, ship, shop.
Lamp, limp, lump, imp, camp, romp, pump, stump, clamp.
Obey, above, about, aboard, amaze, amount, apart, appear, oppose.
""".strip().split("\n")

HELD_OUT = """
Bob, bring my map; the boat is about to depart.
My apartment building is far above the park.
Mom and Pop hum calm palm songs in the car.
A happy bear jumped up and bumped a box of apples.
Remember, the problem began far from the harbour.
Fifty-five wives have very few vivid memories of it.
Please ask the barber to chop a bit more off the top.
The vase on the farm was half full of foam.
Who would put a wooden spoon in the new blue pool?
We need three cheap seats for this evening's meeting.
A bath, a towel, and a cup of hot milk would be perfect.
The teacher measured the garage with a rubber ruler.
My thumb hurts, but I may play the piano tomorrow.
Pass the pepper, Barbara, and sample a bit of ham.
Hello there. I am a small face that moves with sound.
The umbrella was stolen from the back of our van.
""".strip().split("\n")

ADJECTIVES = """
big small purple empty warm broken happy famous young awful quiet clever bright yellow heavy smooth rapid thick
hollow narrow gentle modern royal bitter fresh lazy odd early cheap jolly visible playful
""".split()
NOUNS = """
boat lamp mushroom bridge garden puppy river village thumb mother pepper window voice farmer camera judge orange
treasure ship church fire apple moment box beef palm bowl stone youth thief leather cushion problem money map film
""".split()
VERBS = """
moved bought found pushed carried watched broke gave followed measured remembered opened jumped over walked past
washed buried thought about fixed pulled gathered warmed enjoyed chose swept behind laughed at
""".replace("jumped over", "jumped_over").replace("walked past", "walked_past").replace("thought about", "thought_about") \
    .replace("swept behind", "swept_behind").replace("laughed at", "laughed_at").split()  # fmt: skip
ENDINGS = """
today;by the farm;in the morning;before lunch;for my papa;near the pool;with both hands;above the harbour;after all;
without a map;for five months;on the beach;at home;through the woods;again and again;in July;under the moon;;;
""".replace("\n", "").split(";")


def random_sentence(rng):
    """A grammatical line without much sense; rng: numpy Generator."""
    pick = lambda words: words[rng.integers(len(words))].replace("_", " ")
    article = lambda: pick(["The", "My", "Your", "That", "Our"])
    text = f"{article()} {pick(ADJECTIVES)} {pick(NOUNS)} {pick(VERBS)} {article().lower()} {pick(ADJECTIVES)} {pick(NOUNS)}"
    ending = pick(ENDINGS)
    return text + (" " + ending if ending else "") + pick([".", ".", "!", "?"])
